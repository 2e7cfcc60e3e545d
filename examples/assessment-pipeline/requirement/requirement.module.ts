import { Module } from '@nestjs/common';
import { RequirementComponent } from './requirement.component.js';

@Module({ providers: [RequirementComponent], exports: [RequirementComponent] })
export class RequirementModule {}
