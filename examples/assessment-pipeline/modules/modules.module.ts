import { Module } from '@nestjs/common';
import { ModulesComponent } from './modules.component.js';

@Module({ providers: [ModulesComponent], exports: [ModulesComponent] })
export class ModulesModule {}
